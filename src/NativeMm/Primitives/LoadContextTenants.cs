using System.Runtime.Loader;

namespace NativeMm.Primitives;

/// <summary>
/// What must leave when the library was loaded into a collectible <see cref="AssemblyLoadContext"/> and that one unloads: as long as a thread runs its
/// code, or the process lists an object of it, the context stays, with all its memory. Elsewhere it does nothing. Thread-safe.
/// </summary>
/// <remarks>
/// Unloading is a request: code of the context may run on, and may use the library, which works as before without its background threads and meters.
/// When nothing refers to the context any more, finalizers release the memory.
/// </remarks>
internal static class LoadContextTenants
{
    private static readonly AssemblyLoadContext? s_context = CollectibleContext();
    private static readonly List<ILoadContextTenant> s_tenants = [];
    private static SpinLock<NoLockStatistics> s_lock;
    private static bool s_watches;
    private static bool s_unloads;

    /// <summary>Enters somebody. If the context unloads already, he is told to leave at once.</summary>
    public static void Add(ILoadContextTenant tenant)
    {
        if (s_context is null)
        {
            return;
        }

        s_lock.Enter();
        bool watch = !s_watches;
        bool unloads = s_unloads;
        try
        {
            s_watches = true;
            if (!unloads)
            {
                s_tenants.Add(tenant);
            }
        }
        finally
        {
            s_lock.Exit();
        }

        if (watch)
        {
            s_context.Unloading += static _ => LeaveAll();
        }

        if (unloads)
        {
            tenant.Leave();
        }
    }

    /// <summary>Somebody left by himself.</summary>
    public static void Remove(ILoadContextTenant tenant)
    {
        if (s_context is null)
        {
            return;
        }

        s_lock.Enter();
        s_tenants.Remove(tenant);
        s_lock.Exit();
    }

    private static void LeaveAll()
    {
        s_lock.Enter();
        s_unloads = true;
        ILoadContextTenant[] tenants;
        try
        {
            tenants = [.. s_tenants];
            s_tenants.Clear();
        }
        finally
        {
            s_lock.Exit();
        }

        foreach (ILoadContextTenant tenant in tenants)
        {
            tenant.Leave();
        }
    }

    private static AssemblyLoadContext? CollectibleContext() =>
        AssemblyLoadContext.GetLoadContext(typeof(LoadContextTenants).Assembly) is { IsCollectible: true } context ? context : null;
}
