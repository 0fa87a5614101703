-- Organisations that are stopped, or on their way to an end; and who administers the instance, by a list of its own.

-- When it is erased, and whether it is suspended: also in `body`, which belongs to them. Readable, so that whoever looks after the instance sees
-- it without opening anything, and the platform finds those that are due.
alter table organisation add column ends_at bigint;
alter table organisation add column suspended boolean not null default false;

create function orgs_ending() returns table (org uuid, ends_at bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org, ends_at from organisation where ends_at is not null order by ends_at $$;

-- What is known of an organisation from outside: when it was made, how large it is. No name, and nothing of what is in it.
select functions_may('device', 'select');
create function orgs_outside(after_at bigint, after_org uuid, most integer)
  returns table (org uuid, created_at bigint, ends_at bigint, suspended boolean, people bigint, devices bigint, plan text)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select o.org, o.created_at, o.ends_at, o.suspended,
      (select count(*) from member m where m.org = o.org), (select count(*) from device d where d.org = o.org),
      (select p.plan from org_plan p where p.org = o.org)
    from organisation o
    where after_at is null or (o.created_at, o.org) > (after_at, after_org)
    order by o.created_at, o.org limit most
  $$;

-- To how many organisations each belongs.
create function memberships_of(people uuid[]) returns table (person uuid, orgs bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select person, count(*) from member where person = any(people) group by person $$;

-- Sealed: the list of administrators, which the keyring has as well.
alter table instance add column administrators bytea;
grant update (administrators) on instance to :instance;
