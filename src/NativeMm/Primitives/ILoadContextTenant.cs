namespace NativeMm.Primitives;

/// <summary>Something that keeps the code of the library in memory: a thread, or a place in a list of the process. See <see cref="LoadContextTenants"/>.</summary>
internal interface ILoadContextTenant
{
    /// <summary>Goes away, without waiting. Called at most once, by whoever unloads, beside any other use.</summary>
    void Leave();
}
