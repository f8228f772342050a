# Differences made and applied.
seq 20 > old
sed '5d;10s/$/ changed/;15a added' old > new
diff -u old new | sed '1,2d'
diff old new > /dev/null; echo $?
diff old old; echo $?
cp old work
diff -u old new > p
patch work < p
cmp work new && echo equal
patch -R work < p > /dev/null
cmp work old && echo back
cmp old new | sed 's/,.*//'
