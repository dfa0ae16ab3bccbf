# find, tar, dd, cp, mv, rm, ln, chmod, du over tmpfs.
mkdir -p tree/a/b/c tree/d
for i in $(seq 1 200); do echo "file $i" >tree/a/$i; done
for i in $(seq 1 50); do echo "deep $i" >tree/a/b/c/$i.txt; done
ln -s ../a/1 tree/d/link; ln tree/a/2 tree/d/hard; chmod 750 tree/d
find tree -type f | wc -l
find tree -name '*.txt' | sort | head -3
find tree -type l -o -type d | sort
tar cf all.tar tree && mkdir copy && tar xf all.tar -C copy && diff -r tree copy/tree && echo same
ls -l copy/tree/d | awk 'NR > 1 { print $1, $2, $5, $9, $10, $11 }'
stat -c '%n %a %h %s %F' copy/tree/d copy/tree/d/hard copy/tree/d/link
gzip -c all.tar | gunzip -c | cmp - all.tar && echo gzip round trip
dd if=/dev/zero of=zeros bs=4096 count=256 2>/dev/null; wc -c <zeros; md5sum zeros
dd if=/dev/urandom of=rnd bs=1000 count=777 2>/dev/null; cp rnd rnd2; cmp rnd rnd2 && echo equal
dd if=rnd of=part bs=100 skip=10 count=20 2>/dev/null; dd if=rnd bs=1 skip=1000 count=2000 2>/dev/null | cmp - part && echo same part
dd if=/dev/zero of=sparse bs=1 count=1 seek=10000000 2>/dev/null; wc -c <sparse; du -k sparse | cut -f1
mv tree/a/b tree/d/ && find tree/d -type f | wc -l
cp -a tree tree2 && diff -r tree tree2 && echo copied
truncate -s 100 zeros; wc -c <zeros
rm -rf tree tree2 copy; ls | cat
mkdir ro; mount -t tmpfs -o size=1m none ro && dd if=/dev/zero of=ro/f bs=64k count=100 2>&1 | grep -c 'No space'
mount -o remount,ro ro; touch ro/x 2>&1; umount ro; ls ro | wc -l
cat /proc/self/comm; readlink /proc/self/exe; tr '\0' ' ' </proc/self/cmdline; echo
test -c /dev/null && test -d /proc/self && echo devices
