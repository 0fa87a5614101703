-- Groups of devices that talk to each other. What each is called and who is in it is sealed.
create table device_group (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  application uuid not null,
  -- A keyed digest of its name.
  name_index bytea not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id),
  unique (org, application, name_index)
);
select tenant_table('device_group', 'all');
