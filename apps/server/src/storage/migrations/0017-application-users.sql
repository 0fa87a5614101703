-- Customers of an organisation's applications. Logins, password hashes and states are sealed; a login is found by a keyed digest.

create table app_user (
  org uuid not null references organisation (org),
  id uuid not null,
  application uuid not null,
  login_index bytea not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id),
  -- The digest is of the application as well, so this is once in each.
  unique (org, login_index),
  foreign key (org, application) references application (org, id) on delete cascade
);
create index on app_user (org, application, created_at, id);

-- Where they are signed in. The columns are bound to each other by `body`.
create table app_session (
  org uuid not null,
  id uuid not null,
  app_user uuid not null,
  -- Its place among revocations, which the tokens that come of it share.
  issued_seq bigint not null,
  created_at bigint not null,
  expires_at bigint not null,
  seen_at bigint not null,
  body bytea not null,
  primary key (org, id),
  foreign key (org, app_user) references app_user (org, id) on delete cascade
);
create index on app_session (org, app_user);

-- Every refresh token that a session had, so that an old one is known when somebody shows it. Of each a digest; `proof` binds it to its
-- session, so that whoever writes here and has no keys signs nobody in.
create table app_refresh (
  org uuid not null,
  digest bytea not null,
  session uuid not null,
  used_at bigint,
  proof bytea not null,
  primary key (org, digest),
  foreign key (org, session) references app_session (org, id) on delete cascade
);
create index on app_refresh (org, session);

select tenant_table('app_user', 'all');
select tenant_table('app_session', 'all');
select tenant_table('app_refresh', 'all');

alter table credential add column app_user uuid;
alter table credential add column app_session uuid;
create index on credential (org, app_user) where app_user is not null;
create index on credential (org, app_session) where app_session is not null;

alter table device add column app_user uuid;
create index on device (org, app_user) where app_user is not null;
