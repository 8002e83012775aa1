namespace NativeMm.Teardown;

/// <summary>How far a release of memory is that goes on in the background.</summary>
/// <param name="BytesDone">Bytes that were given back. Pages that others share, and those that are leased or pinned, count when they were let go of.</param>
/// <param name="BytesTotal">
/// Bytes in total. A page table of 2 MiB counts as full until a step has looked at it, so the total of a sparse range becomes smaller on the way.
/// </param>
/// <param name="Steps">Steps that were made.</param>
/// <param name="CpuTime">Processor time that all threads together have spent on it.</param>
public readonly record struct TeardownProgress(long BytesDone, long BytesTotal, long Steps, TimeSpan CpuTime);
