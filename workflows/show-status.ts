/** The search attribute that finds workflows by the status of their task. */
import { upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { searchAttributes } from '../contracts/names.ts';
import type { TaskStatus } from '../contracts/task-status.ts';

const taskStatus = defineSearchAttributeKey(
  searchAttributes.taskStatus,
  SearchAttributeType.KEYWORD,
);

/** Shows a status of the task. Each change costs Temporal a state transition: set when people look for it. */
export function showStatus(value: TaskStatus): void {
  upsertSearchAttributes([{ key: taskStatus, value }]);
}
