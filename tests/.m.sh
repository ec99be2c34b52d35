. /src/lab/guest/lib.sh
which=$1
rxe_dummy >/dev/null
iscsi_target $which; iscsi_target_up mb=128 addr=10.9.0.1 || exit 1
iscsi_initiator_up stock
iscsi_login 10.9.0.1 iser >/dev/null; for i in {1..3000}; do iscsi_disk >/dev/null && break; sleep .1; done
D=$(iscsi_disk 0)
echo none > /sys/block/${D##*/}/queue/scheduler
run() { # rw bs qd n
 fio_json /tmp/f.json --filename=$D --rw=$1 --bs=$2 --iodepth=$3 --size=100m --number_ios=$4 && echo "$which $1 $2 qd$3 $(fio_line /tmp/f.json)"
}
fio_json /tmp/f.json --filename=$D --rw=randwrite --bs=4k --iodepth=8 --size=100m --number_ios=500
for q in 1 8 32; do run randread 4k $q 3000; run randwrite 4k $q 3000; done
[ "$2" ] && exit
run randwrite 8k 8 1500
run read 128k 8 600; run write 128k 8 600; run read 1m 4 90; run write 1m 4 90
