-- Manufacturers whose devices enrol by their birth certificates: which credentials of the kind "enrolment" those are, and of which product.
-- The certificate of each is in the credential, sealed; few of an organisation, so that whoever comes is compared with each.
create table manufacturer (
  org uuid not null,
  credential uuid not null,
  product uuid not null,
  primary key (org, credential),
  foreign key (org, credential) references credential (org, id) on delete cascade
);
create index on manufacturer (org, product);
select tenant_table('manufacturer', 'all');

-- What somebody was asked to sign with the key of such a certificate, which is known by a blind index. It is gone once it was answered.
create table manufacturer_nonce (
  org uuid not null references organisation (org) on delete cascade,
  nonce bytea not null,
  print bytea not null,
  expires_at bigint not null,
  primary key (org, nonce)
);
select tenant_table('manufacturer_nonce', 'all');

-- Secrets that devices brought with them, by a blind index that is the digest of the credential, too: one that was a device's once is no
-- other's for ever.
create table brought_secret (
  org uuid not null references organisation (org) on delete cascade,
  print bytea not null,
  device uuid not null,
  primary key (org, print)
);
select tenant_table('brought_secret', 'all');

-- What ended and would be over by now anyway, is listed no more.
select functions_may('ended_certificate', 'select');
select functions_may('ended_certificate', 'delete');
create index on ended_certificate (not_after);
create function forget_ended_certificates(past bigint) returns table (certificates bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ with gone as (delete from ended_certificate where not_after <= past returning 1) select count(*) from gone $$;
