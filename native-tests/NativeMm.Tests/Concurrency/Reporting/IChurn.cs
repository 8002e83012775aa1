namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>One thread's allocations and frees beside memory that stays.</summary>
internal interface IChurn
{
    /// <summary>One allocation or free. What is freed must still have the content that was written to it.</summary>
    void Step();

    /// <summary>Frees what is left.</summary>
    void End();
}
