namespace NativeMm.Teardown;

/// <summary>A part of a job: two words that mean something to the job alone, such as addresses. The second is above the first, or nothing is left.</summary>
/// <param name="First">Where it begins.</param>
/// <param name="End">Where it ends.</param>
internal readonly record struct WorkPiece(ulong First, ulong End)
{
    /// <summary>Whether nothing is left.</summary>
    public bool IsEmpty => First >= End;
}
