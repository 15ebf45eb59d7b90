# SPDX-License-Identifier: GPL-2.0
"""Benchmarks with real servers in the guest; Documentation/detection.rst tells what they measure.

world      the machine: addresses, users, secrets, servers, the benign load
servers    one server a file: how it is started, used and looked after
attacks    one family of attacks a file
clients    the protocols, as benign users and intruders speak them
officer    KIS, as its officer sees it
keep, benign, abuse    the three benchmarks
"""
