-- One row a teacher, class and week. Lessons that were never planned say nothing about a ratio.
select
  week.user_id,
  teacher.user_name as teacher,
  week.grade_assigned as grade,
  week.subject_assigned as subject,
  school."Sector" as sector,
  school."EMIS" as emis,
  school."Institute" as school,
  week.week_start,
  week.week_end,
  -- %U: weeks begin on Sunday, and the days before a year's first Sunday are week 0, as in the system these rows come from.
  cast(strftime(week.week_start, '%U') as integer) as week_number,
  least(week.lp_started / week.max_classes, 1) * 100 as lp_ratio
from {{ dataset | identifier }}."weekly_time_table_NF" as week
join {{ dataset | identifier }}.user_school_profiles as teacher on teacher.user_id = week.user_id
join {{ dataset | identifier }}."FDE_Schools" as school on school."EMIS" = teacher.emis_1
where week.max_classes <> 0
