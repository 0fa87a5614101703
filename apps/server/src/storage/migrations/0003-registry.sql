-- Applications, products and devices. Ids, places and times are readable; names, aliases, tags, states and attributes are sealed.

create table application (
  org uuid not null references organisation (org),
  id uuid not null,
  created_at bigint not null,
  ended_at bigint,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
create index on application (org, created_at, id);

create table product (
  org uuid not null references organisation (org),
  id uuid not null,
  created_at bigint not null,
  ended_at bigint,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
create index on product (org, created_at, id);

create table device (
  org uuid not null references organisation (org),
  id uuid not null,
  application uuid not null,
  product uuid,
  -- Keyed digests, for exact lookups of what is sealed.
  alias_index bytea,
  state_index bytea not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id),
  foreign key (org, application) references application (org, id),
  foreign key (org, product) references product (org, id)
);
create index on device (org, created_at, id);
create index on device (org, application, created_at, id);
create index on device (org, product) where product is not null;
create unique index on device (org, alias_index) where alias_index is not null;

create table device_tag (
  org uuid not null,
  device uuid not null,
  tag_index bytea not null,
  primary key (org, device, tag_index),
  foreign key (org, device) references device (org, id)
);
create index on device_tag (org, tag_index, device);

select tenant_table('application', 'all');
select tenant_table('product', 'all');
select tenant_table('device', 'all');
select tenant_table('device_tag', 'all');
