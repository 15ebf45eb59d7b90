<?php
// SPDX-License-Identifier: GPL-2.0
// Keeps a file under the name that the visitor gave it.
$name = basename($_FILES['file']['name']);
echo move_uploaded_file($_FILES['file']['tmp_name'], __DIR__ . "/uploads/$name") ? "kept\n" : "failed\n";
