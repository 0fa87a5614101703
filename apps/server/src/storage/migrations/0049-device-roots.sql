-- Which roots each device last said that it trusts: digests of certificates that anybody may read, 32 bytes each, one behind the other.
create table device_roots (
  org uuid not null references organisation (org) on delete cascade,
  device uuid not null,
  said_at bigint not null,
  roots bytea not null,
  primary key (org, device)
);
select tenant_table('device_roots', 'all');
