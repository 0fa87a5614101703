-- Single sign-on: an organisation's providers (OpenID Connect), who people are there, and the domains of their addresses.

-- Whoever a provider brings is not found by the e-mail that it says: that may be another account's.
alter table person alter column email_index drop not null;

-- What it is called, where it is and what it gives is sealed; the client's secret apart, because it is opened only to speak with it.
create table provider (
  -- It goes with the organisation, so `erase_org` need not know of it.
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  version integer not null,
  -- A keyed digest of what it is called at the sign-in page: once in the deployment.
  name_index bytea unique,
  body bytea not null,
  secret bytea,
  primary key (org, id)
);
select tenant_table('provider', 'all');

-- Who somebody is at a provider is found by a keyed digest of provider, issuer and subject.
create table provider_subject (
  org uuid not null,
  provider uuid not null,
  subject_index bytea not null,
  person uuid not null,
  created_at bigint not null,
  body bytea not null,
  primary key (org, provider, subject_index),
  unique (org, provider, person),
  foreign key (org, provider) references provider (org, id) on delete cascade
);
create index on provider_subject (org, provider, created_at, person);
select tenant_table('provider_subject', 'all');

-- `proved_index` is `domain_index` while it is proved: people who sign in find the organisation by it.
create table provider_domain (
  org uuid not null,
  domain_index bytea not null,
  provider uuid not null,
  proved_index bytea,
  -- When its record is to be looked for again.
  due_at bigint not null,
  body bytea not null,
  primary key (org, domain_index),
  foreign key (org, provider) references provider (org, id) on delete cascade
);
create index on provider_domain (proved_index);
create index on provider_domain (due_at);
select tenant_table('provider_domain', 'all');

select functions_may('provider', 'select');
select functions_may('provider_domain', 'select');

-- By what somebody calls it who wants to sign in there.
create function provider_called(wanted bytea) returns table (org uuid, id uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select org, id from provider where name_index = wanted
    union select org, provider from provider_domain where proved_index = wanted
  $$;

create function orgs_with_domains_due(by bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct org from provider_domain where due_at <= by $$;
