namespace NativeMm.Extensions;

/// <summary>One time that memory ran short. Bytes throughout.</summary>
/// <param name="Time">When.</param>
/// <param name="FreeBefore">What was left of the limit.</param>
/// <param name="FreeAfter">What was left of it afterwards.</param>
/// <param name="Caches">Given back by the library's caches and pools.</param>
/// <param name="Handlers">Given up by the service's handlers, as they say.</param>
/// <param name="Collected">Whether the garbage collector was asked for a collection.</param>
/// <param name="ManagedLimit">What the garbage collector may take from then on.</param>
public sealed record MemoryPressureEvent(
    DateTimeOffset Time, long FreeBefore, long FreeAfter, long Caches, long Handlers, bool Collected, long ManagedLimit);
