# Pipelines, redirections, here-documents, subshells, functions, expansions.
echo one two three | tr ' ' '\n' | sort -r | head -2
printf 'a\nb\nc\n' | while read -r x; do echo "<$x>"; done
seq 1 1000 | grep 7 | wc -l
yes ochre | head -5 | uniq -c | sed 's/^ *//'
(echo in a subshell; cd /; pwd; exit 3); echo "status $?"
x=outer; (x=inner; echo $x); echo $x
cat <<END
here $((6 * 7)) $x
	tab
END
cat <<'END'
no $expansion `here`
END
echo to stderr >&2
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/captured: /'
exec 5>file; echo five >&5; exec 5>&-; cat file
exec 6<file; read -r line <&6; exec 6<&-; echo "read $line"
echo more >>file; wc -l <file
f() { local v=$1; [ "$v" -gt 0 ] && { printf '%s ' "$v"; f $((v - 1)); }; }
f 5; echo
case $(uname -s) in Linux) echo a Linux;; *) echo another;; esac
false | true; echo "last status $?"
set -- a 'b c' d; echo $#; for i in "$@"; do echo "[$i]"; done
! grep nothing file && echo not found
sh -c 'kill -9 $$'; echo "killed: $?"
sh -c 'exit 42'; echo "exited: $?"
nosuchcommand 2>/dev/null; echo "missing: $?"
: >empty; [ -s empty ] || echo empty
echo $(echo nested $(echo deeper))
a=abcdef; echo ${#a} ${a#ab} ${a%ef} ${b:-default}
cd /tmp && cd - >/dev/null && basename "$PWD"
