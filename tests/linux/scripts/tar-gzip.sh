# Archives: packed, compressed, unpacked, compared, modes and links kept.
mkdir -p src/dir
seq 3000 > src/numbers
echo text > src/dir/file
ln -s dir/file src/link
chmod 750 src/dir
chmod 640 src/dir/file
tar cf a.tar src
tar tf a.tar | sort
gzip -c a.tar > a.tar.gz
gzip -t a.tar.gz && echo good
[ $(wc -c < a.tar.gz) -lt $(wc -c < a.tar) ] && echo smaller
mkdir out
tar xzf a.tar.gz -C out
diff -r src out/src && echo same
readlink out/src/link
stat -c '%a %F' out/src/dir out/src/dir/file
tar czf b.tgz -C src dir && tar tzf b.tgz | sort
tar xOf a.tar src/dir/file
find src -print | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null | sort
bzip2 -c src/numbers | bunzip2 | cmp - src/numbers && echo bzip2
echo broken | gunzip 2>/dev/null; echo $?
