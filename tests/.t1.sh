. /src/lab/guest/lib.sh
rxe_dummy
iscsi_target rsp; iscsi_target_up luns=2 || exit 1
iscsi_initiator_up stock
iscsi_login 10.9.0.1 iser || { dmesg | tail -40; exit 1; }
D=$(iscsi_disk 0); echo disk $D $(iscsi_disk 1)
fio_json /tmp/v.json --filename=$D --rw=randwrite --bsrange=4k-1m --size=32m --iodepth=8 --verify=crc32c --verify_fatal=1 --do_verify=1 && fio_line /tmp/v.json
dmesg | tail -15
