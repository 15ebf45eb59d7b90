<?php
// SPDX-License-Identifier: GPL-2.0
// A page by its name; whose name, nobody checks.
include 'pages/' . ($_GET['p'] ?? 'home.html');
