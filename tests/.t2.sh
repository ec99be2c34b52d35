. /src/lab/guest/lib.sh
D=$(iscsi_disk 0)
fio_json /tmp/v.json --filename=$D --rw=randwrite --bsrange=4k-1m --size=32m --iodepth=8 --verify=crc32c --verify_fatal=1 --do_verify=1 && fio_line /tmp/v.json
fio_json /tmp/v.json --filename=$D --rw=randwrite --bsrange=512-1m --bs_unaligned --blockalign=512 --size=8m --iodepth=8 --verify=crc32c --verify_fatal=1 --do_verify=1 && fio_line /tmp/v.json
for b in 512 4k 8k 16k 4m; do fio_json /tmp/v.json --filename=$D --rw=write --bs=$b --size=8m --iodepth=4 --verify=crc32c --verify_fatal=1 --do_verify=1 && fio_line /tmp/v.json; done
iscsi_logout 10.9.0.1 iser
iscsiadm -m discovery -t st -p 10.9.0.1:3260 -I iser
iscsi_login "[fd00::1]" iser && iscsi_logout "[fd00::1]" iser
iscsi_initiator_down; iscsi_target_down; rxe_down; rsp_unload; lsmod | grep rsp
dmesg | grep -v "sd \|scsi\|MODE SENSE" | tail -25
