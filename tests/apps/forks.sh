# A thousand processes at once: each waits for one byte from a FIFO, then writes its number.
mkdir out
mkfifo gate
exec 3<>gate
n=0
while [ $n -lt 1000 ]; do
	(read -r x <&3; echo $n >out/$n) &
	n=$((n + 1))
done
echo "started $n"
alive=$(ls -d /proc/[0-9]* | wc -l); [ "$alive" -ge 1000 ] && echo all are there
ls out | wc -l
yes '' | head -n 1000 >&3
wait
ls out | wc -l
cat out/* | sort -n | uniq | awk '{ s += $1 } END { print NR, s }'
