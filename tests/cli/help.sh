#!/usr/bin/env bash
# help.sh - finding one's way: each command's help, and what is suggested for misspelt names of
# every kind.
. "${BASH_SOURCE[0]%/*}/user.sh"

commands=$(sed -n 's/^COMMAND(\(.*\))/\1/p' "$PAGODA_SOURCE/src/cli/commands.def")
run "$PAGODA" help
overview=$out
for command in $commands; do
    like "$overview" "^  $command +[a-z]" "help lists $command"
    run "$PAGODA" "$command" --help
    exit_is 0 "$command --help succeeds"
    like "$out" "^usage: pagoda $command" "and begins with the usage"
    like "$out" '^  -h, --help ' "and has the options"
    is "$err" "" "and no complaint"
    long=$(awk 'length > 96' <<<"$out")
    is "$long" "" "and no line of over 96 columns"
    with_flag=$out
    run "$PAGODA" help "$command"
    is "$out" "$with_flag" "and help $command says the same"
    run "$PAGODA" "$command" -h
    is "$out" "$with_flag" "and so does -h"
done
is "$(wc -w <<<"$commands")" "$(sed -n '/^commands:/,/^$/p' <<<"$overview" | grep -c '^  ')" \
    "help lists nothing else"

run "$PAGODA" replay --help
like "$out" '--memory SIZE .*\(default 64MiB\)' "an option's help has its default"
like "$out" '--tables inside\|apart' "and its words"

"$PAGODA" convert @loop:pages=3,refs=30 -o t.pgt 2>/dev/null
refused 2 'unknown command "repaly"' "a misspelt command" "$PAGODA" repaly
hinted 'replay'
refused 2 'unknown command "relpay"' "a misspelt command to be helped with" "$PAGODA" help relpay
hinted 'replay'
refused 2 'unknown option "--memry"' "a misspelt option" "$PAGODA" replay t.pgt --memry=1MiB
hinted '"--memory"'
refused 2 'unknown option "-z"' "a letter that is no option" "$PAGODA" replay t.pgt -z
hinted 'pagoda help replay'
refused 2 'unknown policy "lur"' "a misspelt policy" "$PAGODA" replay t.pgt --policy lur
hinted '"lru"'
refused 2 'parameter of clock "laod"' "its parameter" "$PAGODA" replay t.pgt --policy clock:laod=1
hinted '"load"'
refused 2 'load of clock "claer"' "its parameter's word" \
    "$PAGODA" replay t.pgt --policy clock:load=claer
hinted '"clear"'
refused 2 'unknown scheme "sv93"' "a misspelt scheme" "$PAGODA" replay t.pgt --scheme sv93
hinted '"sv39"'
refused 2 'unknown device "nmve"' "a misspelt device" "$PAGODA" replay t.pgt --swap nmve
hinted '"nvme"'
refused 2 'unknown trace format "lacky"' "a misspelt format" "$PAGODA" info t.pgt --format lacky
hinted '"lackey"'
refused 2 'unknown workload "zpif"' "a misspelt workload" "$PAGODA" info @zpif
hinted '"zipf"'
refused 2 'parameter of zipf "page"' "its parameter" "$PAGODA" info @zipf:page=3
hinted '"pages"'
refused 2 'unknown preset "skylaek"' "a misspelt preset" "$PAGODA" replay t.pgt -m skylaek
hinted '"skylake"'
refused 2 'unknown preset "skylaek"' "a misspelt preset to be shown" "$PAGODA" show skylaek
hinted '"skylake"'
refused 2 'unknown kind of part "polices"' "a misspelt kind of part" "$PAGODA" list polices
hinted '"policies"'
refused 2 'unknown --model "page"' "a misspelt word" "$PAGODA" replay t.pgt --model page
hinted '"pages"'
refused 2 'unknown TLB property "lur"' "a misspelt TLB property" \
    "$PAGODA" replay t.pgt --tlb l1=4:lur
hinted '"lru"'
printf '[memory]\nsiez = 1MiB\n' >m.ini
refused 2 '^pagoda: m\.ini:2: unknown key of section \[memory\] "siez"' "a misspelt INI key" \
    "$PAGODA" replay t.pgt -m m.ini
hinted '"size"'
printf '; a machine\n[memroy]\nsize = 1MiB\n' >m.ini
refused 2 '^pagoda: m\.ini:3: unknown section "memroy"' "a misspelt INI section" \
    "$PAGODA" replay t.pgt -m m.ini
hinted '"memory"'
printf '[scheme]\nname = sv39\n[policy]\nname = lur\n' >m.ini
refused 2 '^pagoda: m\.ini:4: unknown policy "lur"' "a misspelt policy in a file" \
    "$PAGODA" replay t.pgt -m m.ini
hinted '"lru"'

refused 2 'expected a trace' "no trace" "$PAGODA" replay
hinted 'usage: pagoda replay TRACE'
refused 2 'unexpected "more"' "two traces" "$PAGODA" info t.pgt more
refused 2 'expected -o' "no output" "$PAGODA" convert t.pgt
refused 2 'expected -- and a program' "no program" "$PAGODA" record
refused 2 'the program comes after --' "a program without --" "$PAGODA" record ls
refused 2 '--memory wants a value' "an option without its value" "$PAGODA" replay t.pgt --memory
refused 2 '--json takes no value' "a value too many" "$PAGODA" replay t.pgt --json=1
refused 2 'unexpected "x"' "an operand for man" "$PAGODA" man x
refused 2 'unknown option "--json"' "no JSON where there is none" "$PAGODA" man --json
cp t.pgt ./-t.pgt
run "$PAGODA" info -- -t.pgt
exit_is 0 "after -- a name may begin with a dash"
finish
