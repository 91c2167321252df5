{#- The aggregated table has no grade and no subject. Where one is asked for, the same figures are reckoned from the teachers' rows. -#}
select school, sector, period, teacher_count, avg_lp_ratio
from api_aggregated_data
where period_type = :period and :grade is null and :subject is null
union all
select school, sector, week.period, count(distinct user_id)::integer, round(avg(lp_ratio)::numeric, 6)::float8
from api_teacher_data
cross join lateral (
  select case :period
    when 'monthly' then date_trunc('month', week_start)::date
    -- Weeks begin on Sunday, as in the warehouse.
    else week_start - extract(dow from week_start)::integer
  end as period
) as week
where (:grade is not null or :subject is not null)
  and (:grade is null or grade = :grade)
  and (:subject is null or subject = :subject)
group by school, sector, week.period
