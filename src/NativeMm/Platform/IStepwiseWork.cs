namespace NativeMm.Platform;

/// <summary>Work whose steps find by themselves what is next, so that several threads may make them at the same time, until one finds that it is over.</summary>
internal interface IStepwiseWork
{
    /// <summary>Whether nobody has to make a further step. Is asked under a spin lock.</summary>
    bool IsOver { get; }

    /// <summary>Makes one bounded step, beside others. Takes no managed memory. One that throws must be the last one.</summary>
    /// <param name="threadsMax">Most threads that make steps at the same time, the same for all steps.</param>
    /// <returns>Bytes that went back.</returns>
    ulong Step(int threadsMax);
}
