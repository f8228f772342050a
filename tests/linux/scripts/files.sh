# Everyday commands on files.
mkdir -p a/b/c && touch a/b/c/f && cp -r a z && find z | sort
mv z/b z/renamed && ls -R z
ln a/b/c/f hard && stat -c %h hard
ln -s a/b soft && ls soft/
rm -r a && ls soft/ 2>/dev/null; echo $?
mkdir x; chmod 700 x; ls -ld x | cut -c 1-10
touch -d '2001-02-03 04:05:06' old; stat -c %y old | cut -c 1-19
dd if=/dev/zero of=zeros bs=1000 count=5 2>/dev/null; wc -c < zeros
truncate -s 100 zeros; stat -c %s zeros
head -c 3 /dev/zero | od -An -tx1
[ -d x ] && [ -f old ] && [ -L soft ] && [ ! -e soft ] && echo tests
du -s zeros > /dev/null && echo du
basename /a/b/c.txt .txt; dirname /a/b/c.txt; realpath .. 
umask 077; touch private; stat -c %a private
rmdir x nothing 2>/dev/null; echo $?
