<?php
// SPDX-License-Identifier: GPL-2.0
// The front page: it counts who comes.
$counter = fopen(__DIR__ . '/data/visits', 'c+');
flock($counter, LOCK_EX);
$visits = (int)fgets($counter) + 1;
rewind($counter);
fwrite($counter, "$visits\n");
fclose($counter);
echo "<h1>shop</h1> visits: $visits\n";
