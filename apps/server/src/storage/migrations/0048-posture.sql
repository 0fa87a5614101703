-- Over which TLS a device came last: the version, and behind it the group of the key exchange (messages/way.ts); 0 is not known. And when it was noticed
-- last that two take its place from each other; 0 is never.
alter table presence add column tls integer not null default 0, add column contested_at bigint not null default 0;

-- Whether the device says that it listens on ports; on which is sealed, as all else that it says.
alter table twin add column listens boolean not null default false;
create index on twin (org, device) where listens;
