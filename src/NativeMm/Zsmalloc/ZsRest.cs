namespace NativeMm.Zsmalloc;

/// <summary>While it is open, no work of a pool is under way but what its callers do: a check sees it at rest. Dispose it exactly once.</summary>
internal readonly ref struct ZsRest
{
    private readonly ZsEngine _engine;

    /// <summary>Waits for the work that is under way.</summary>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public ZsRest(ZsEngine engine)
    {
        ObjectDisposedException.ThrowIf(!engine.TryBeginRest(), typeof(ZsPool));
        _engine = engine;
    }

    /// <summary>Lets work begin again.</summary>
    public void Dispose() => _engine.EndRest();
}
