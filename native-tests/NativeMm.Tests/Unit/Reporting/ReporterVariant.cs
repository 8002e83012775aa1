namespace NativeMm.Tests.Unit.Reporting;

/// <summary>The ways in which a reporter finds free blocks.</summary>
public enum ReporterVariant
{
    LockFree,
    Rotation,
    Boundary,
}
