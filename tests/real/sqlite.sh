#!/usr/bin/env bash
# sqlite.sh - SQLite builds a database file, joins, sorts, deletes and vacuums; the file is equal.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs sqlite
program sqlite
rows=3000
[[ $size == full ]] && rows=100000

cat >world/desk/build.sql <<END
PRAGMA page_size = 4096;
PRAGMA cache_size = -$((rows / 20));
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, kind INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO item
    SELECT i, 'item ' || (i * 7919 % 100003), (i * 31 % 977) / 7.0, i * 13 % 101 FROM n;
CREATE TABLE kind(id INTEGER PRIMARY KEY, label TEXT);
INSERT INTO kind SELECT DISTINCT kind, 'kind ' || kind FROM item;
CREATE INDEX by_name ON item(name);
CREATE INDEX by_kind ON item(kind, price);
SELECT label, count(*), round(sum(price), 3) FROM item JOIN kind ON kind.id = item.kind
    GROUP BY label ORDER BY 3 DESC LIMIT 5;
SELECT id FROM item WHERE name BETWEEN 'item 500' AND 'item 501' ORDER BY name LIMIT 5;
DELETE FROM item WHERE id % 10 = 3;
BEGIN; UPDATE item SET price = price * 2 WHERE kind = 7; ROLLBACK;
UPDATE item SET name = upper(name) WHERE kind = 9;
VACUUM;
PRAGMA integrity_check;
SELECT count(*), sum(length(name)), max(price) FROM item;
END
build=(sqlite test.db ".read build.sql")
both "a database of $rows rows" "${build[@]}"
like "$(<ours.out)" '^ok$' "and SQLite finds no fault with it"
squeezed "${build[@]}"

# What one process wrote, another finds: the file of the last run is in the world.
cp ours/desk/test.db world/desk/
both "a dump of it" sqlite test.db .dump
both "a query of a file that must not be written" sqlite -readonly test.db \
    'SELECT kind, max(price) FROM item GROUP BY kind ORDER BY 2 DESC, 1 LIMIT 3'
finish
