-- Where a device's last move stands in the sequence of revocations; 0 while it is where it was made. Sealed with the row: it is readable
-- so that the start finds those that moved.

alter table device add column placed bigint not null default 0;
create index on device (org) where placed > 0;
