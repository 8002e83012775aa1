namespace NativeMm.Platform;

/// <summary>What the process holds, in bytes, from <c>/proc/self/status</c>.</summary>
/// <param name="Resident">In memory now (<c>VmRSS</c>).</param>
/// <param name="ResidentPeak">The most that was in memory since the start or the last reset (<c>VmHWM</c>).</param>
/// <param name="Virtual">Address space (<c>VmSize</c>).</param>
/// <param name="Anonymous">Resident private memory (<c>RssAnon</c>).</param>
/// <param name="Shared">Resident shared memory, memory files among it (<c>RssShmem</c>).</param>
internal readonly record struct ProcessMemoryUsage(ulong Resident, ulong ResidentPeak, ulong Virtual, ulong Anonymous, ulong Shared);
