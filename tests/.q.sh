. /src/lab/guest/lib.sh
rxe_dummy >/dev/null
iscsi_target rsp; iscsi_target_up mb=128 addr=10.9.0.1 || exit 1
iscsi_initiator_up stock
iscsi_login 10.9.0.1 iser >/dev/null || exit 1
D=$(iscsi_disk 0)
echo none > /sys/block/${D##*/}/queue/scheduler
cd /sys/class/infiniband/rxe0/ports/1/hw_counters; for f in *; do echo -n "$f=$(cat $f) "; done; echo
for q in 32 32; do
 fio_json /tmp/f.json --filename=$D --rw=randread --bs=4k --iodepth=$q --size=100m --number_ios=500 && fio_line /tmp/f.json
for f in *; do echo -n "$f=$(cat $f) "; done; echo
/src/build/rspctl rq; /src/build/rspctl pool; /src/build/rspctl svc;  /src/build/rspctl chan -p 2>/dev/null | head -40
done
