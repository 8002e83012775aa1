namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>One call of a pool, as a workload's table holds it.</summary>
/// <param name="Kind">Which call.</param>
/// <param name="Slot">On which of the worker's objects.</param>
internal readonly record struct PoolOperation(PoolCall Kind, int Slot);
