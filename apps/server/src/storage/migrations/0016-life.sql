-- How a credential is used: when and which is readable, from where, over what and for which actions is sealed.
create table credential_use (
  org uuid not null,
  credential uuid not null,
  body bytea not null,
  primary key (org, credential),
  foreign key (org, credential) references credential (org, id) on delete cascade
) with (fillfactor = 80);
select tenant_table('credential_use', 'all');

-- What an organisation wants done about secrets that are old, or that others have seen.
create table upkeep (
  org uuid primary key references organisation (org) on delete cascade,
  body bytea not null
);
select tenant_table('upkeep', 'all');
