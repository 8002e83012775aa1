namespace NativeMm.Tests.Litmus;

/// <summary>Two short programs that run against each other on a fresh cell, again and again.</summary>
public interface ILitmusCase
{
    /// <summary>What the first thread does.</summary>
    static abstract void Left(ref LitmusCell cell);

    /// <summary>What the second thread does.</summary>
    static abstract void Right(ref LitmusCell cell);

    /// <summary>Whether the outcome is one that may never be seen.</summary>
    static abstract bool IsForbidden(in LitmusCell cell);
}
