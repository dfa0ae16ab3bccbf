# Background jobs, wait, kill, traps, process groups, many children.
exec 2>/dev/null	# what the shell says of jobs that a signal ended depends on when it notices
sleep 100 & p=$!
kill -0 $p && echo alive
kill $p; wait $p; echo "terminated: $?"
(exit 7) & wait $!; echo "status $?"
for i in 1 2 3 4; do (sleep 0.1; exit $i) & eval p$i=$!; done
wait $p1; echo $?; wait $p2; echo $?; wait $p3; echo $?; wait $p4; echo $?
trap 'echo got usr1' USR1; kill -USR1 $$; trap - USR1
(trap 'echo leaving' EXIT; exit 5); echo "status $?"
sh -c 'trap "echo term; exit 9" TERM; sleep 100 & kill -TERM $$; wait'; echo "status $?"
sh -c 'trap "" TERM; kill -TERM $$; echo survived'
mkfifo pipe; (sleep 0.1; echo through a fifo >pipe) & cat pipe; wait
sh -c 'kill -STOP $$; echo continued' & p=$!
while [ "$(cut -d' ' -f3 /proc/$p/stat)" != T ]; do sleep 0.02; done
echo stopped; kill -CONT $p; wait $p; echo "status $?"
timeout 0.2 sleep 100; echo "timeout: $?"
n=0; while [ $n -lt 300 ]; do (exit 0); n=$((n + 1)); done; echo "$n one after the other"
yes | head -c 1000000 | wc -c
