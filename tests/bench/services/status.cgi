#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# How full a disk is, as small appliances tell it: path=/srv, from the query, by way of eval.
echo "Content-Type: text/plain"
echo
path=$(echo "${QUERY_STRING#path=}" | sed 's/%20/ /g; s/+/ /g; s/%3B/;/g; s/%26/\&/g; s/%3E/>/g; s/%7C/|/g')
eval "df -P $path"
date
