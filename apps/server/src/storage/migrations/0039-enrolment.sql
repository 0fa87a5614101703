-- How many devices enrolled by a key. A count that outlives its credential counts nothing.
create table enrolment_use (
  org uuid not null,
  credential uuid not null,
  used bigint not null,
  primary key (org, credential),
  foreign key (org, credential) references credential (org, id) on delete cascade
);
select tenant_table('enrolment_use', 'all');

-- Which device enrolled with which key of its own, by a blind index: no two devices have the same.
create table enrolled_key (
  org uuid not null references organisation (org) on delete cascade,
  print bytea not null,
  device uuid not null,
  primary key (org, print)
);
create index on enrolled_key (org, device);
select tenant_table('enrolled_key', 'all');

-- Whose product it is that a stranger names: by its label he asks which authority signs, and that is no secret.
create index on product (id);
select functions_may('product', 'select');
create function org_of_product(wanted uuid) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from product where id = wanted $$;
