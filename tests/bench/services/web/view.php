<?php
// SPDX-License-Identifier: GPL-2.0
// Shows a text; PHP's own wrappers work too, which is the hole.
header('Content-Type: text/plain');
$name = $_GET['f'] ?? 'texts/about.txt';
echo file_get_contents(str_contains($name, ':') || $name[0] === '/' ? $name : __DIR__ . "/$name");
