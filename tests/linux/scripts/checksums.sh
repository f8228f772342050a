# Sums of a tree of files.
mkdir t
i=0
while [ $i -lt 30 ]; do seq $((i * 10)) > t/f$i; i=$((i + 1)); done
find t -type f | sort | xargs sha256sum > sums
sha256sum -c sums | grep -c OK
sha256sum sums | cut -d ' ' -f 1
echo tamper >> t/f7
sha256sum -c sums 2>/dev/null | grep -v OK
seq 10000 | md5sum
seq 10000 | sha1sum
seq 10000 | sha512sum
seq 1000 | base64 | base64 -d | md5sum
echo hello | od -c
echo hello | xxd
