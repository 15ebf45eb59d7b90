# SPDX-License-Identifier: GPL-2.0
"""The protocols, as benign users and intruders speak them: each call says from which address."""

from bench.clients import files, resp, sql
from bench.patience import Failed

# What a request may raise that did not work.
TROUBLE = (Failed, OSError, EOFError, ValueError, resp.Refused, sql.Refused, files.Refused)
