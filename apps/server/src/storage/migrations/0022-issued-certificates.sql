-- An organisation's own authorities, which issue client certificates to its devices. Since when one is there is readable; its certificate is
-- sealed, and its key apart from it, because it is read only when something is signed.
create table certificate_authority (
  -- It goes with the organisation, so `erase_org` need not know of it.
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  body bytea not null,
  key bytea not null,
  primary key (org, id)
);
select tenant_table('certificate_authority', 'all');

-- What they issued, and for which credential: until when it is good is readable, the certificate is sealed.
create table issued_certificate (
  org uuid not null,
  authority uuid not null,
  serial bytea not null,
  credential uuid not null,
  not_before bigint not null,
  not_after bigint not null,
  body bytea not null,
  primary key (authority, serial),
  foreign key (org, authority) references certificate_authority (org, id) on delete cascade,
  foreign key (org, credential) references credential (org, id) on delete cascade
);
create index on issued_certificate (org, credential);
create index on issued_certificate (org, authority);
select tenant_table('issued_certificate', 'all');

-- Whose a certificate says it is; whether that is so is looked at afterwards.
select functions_may('issued_certificate', 'select');
create function credential_of_certificate(wanted_authority uuid, wanted_serial bytea) returns table (org uuid, id uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org, credential from issued_certificate where authority = wanted_authority and serial = wanted_serial $$;
