<?php
// SPDX-License-Identifier: GPL-2.0
// What was uploaded, in small: the sum of it, kept in a cache.
$name = basename($_GET['f']);
$small = __DIR__ . '/cache/' . md5($name);
if (!file_exists($small)) {
	file_put_contents($small, sha1_file(__DIR__ . "/uploads/$name"));
}
echo file_get_contents($small), "\n";
