namespace NativeMm.Tests.Unit.Reporting;

/// <summary>The ways in which a reporter finds free blocks; the last two behind a cache.</summary>
public enum ReporterVariant
{
    LockFree,
    Rotation,
    Boundary,
    LockFreeCached,
    BoundaryCached,
}
