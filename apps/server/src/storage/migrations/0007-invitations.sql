-- Who was invited and has not come yet. For whom it is and as what is sealed; a secret's digest leads nowhere back.

create table invitation (
  org uuid not null references organisation (org),
  id uuid not null,
  digest bytea not null,
  -- A keyed digest: one invitation for each address.
  email_index bytea not null,
  invited_by uuid not null,
  -- Its place among revocations: what ends people or the inviter's credentials ends it as well.
  issued_seq bigint not null,
  created_at bigint not null,
  expires_at bigint not null,
  body bytea not null,
  primary key (org, id),
  unique (org, email_index),
  foreign key (org, invited_by) references member (org, person)
);
create unique index on invitation (digest);
create index on invitation (org, created_at, id);

select tenant_table('invitation', 'all');
select functions_may('invitation', 'select');

create function org_of_invitation(wanted bytea) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from invitation where digest = wanted $$;
