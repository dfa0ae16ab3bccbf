# sed, awk, sort, grep, cut, join and other filters on larger inputs.
seq 1 20000 >n
awk '{ s += $1; q += $1 * $1 % 7 } END { print NR, s, q }' n
sort -r n | head -3; sort -nr n | tail -2
sed -n '100,105p;$p' n
sed 's/\([0-9]\)\([0-9]\)$/\2\1/' n | md5sum
grep -c '^1.*9$' n; grep -v '[02468]$' n | wc -l
awk '{ c[$1 % 10]++ } END { for (i = 0; i < 10; i++) printf "%d ", c[i]; print "" }' n
tr '0-9' 'a-j' <n | sort | uniq | md5sum
split -l 5000 n part.; ls part.*; cat part.* | cmp - n && echo whole
paste -d: n n | cut -d: -f2 | cmp - n && echo same
seq 1 2 100 >odd; seq 1 3 100 >three; sort odd >o; sort three >t; comm -12 o t | wc -l
head -c 100000 n | od -An -c | tail -1 | tr -d ' '
sha256sum n; sha1sum <n; cksum n; base64 n | md5sum
xargs -n 500 <n | wc -l; xargs -n 1 -P 4 echo <odd | sort -n | cmp - odd && echo parallel
awk 'BEGIN { while (("seq 1 5" | getline x) > 0) t = t x; print t; system("echo from system") }'
expr 6 \* 7; echo '2^64' | bc 2>/dev/null || echo 'no bc'
printf '%05d|%x|%s\n' 42 255 end
diff odd three | head -4
tail -n +19999 n; rev odd | head -3; tac odd | head -2; nl three | tail -1
