-- A session has a name of its own, which stays when its cookie is replaced. Sessions of before have none, and she signs in anew.

delete from session;
alter table session add column id uuid not null unique;
