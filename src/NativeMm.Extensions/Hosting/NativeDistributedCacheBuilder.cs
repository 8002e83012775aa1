using Microsoft.Extensions.Caching.Distributed;
using NativeMm.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Says what is behind the cache of <c>services.AddNativeMmDistributedCache</c>.</summary>
public sealed class NativeDistributedCacheBuilder
{
    private static readonly object s_registered = new();

    internal NativeDistributedCacheBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Puts a cache elsewhere behind this one. The last call counts.</summary>
    /// <param name="tier">Makes or finds it; what it makes the container does not dispose.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentNullException">The function is null.</exception>
    public NativeDistributedCacheBuilder WithSecondTier(Func<IServiceProvider, IDistributedCache> tier)
    {
        ArgumentNullException.ThrowIfNull(tier);
        Services.AddSingleton(new SecondTierSource(tier));
        return this;
    }

    /// <summary>Puts the <see cref="IDistributedCache"/> that is registered under a key behind this one.</summary>
    /// <param name="key">The key.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentNullException">The key is null.</exception>
    public NativeDistributedCacheBuilder WithKeyedSecondTier(object key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return WithSecondTier(services => services.GetRequiredKeyedService<IDistributedCache>(key));
    }

    /// <summary>
    /// Puts the <see cref="IDistributedCache"/> that was registered before this one behind it, by <c>AddStackExchangeRedisCache</c> for example: whoever asks for
    /// the interface gets this cache, and this cache the other one.
    /// </summary>
    /// <returns>This.</returns>
    /// <remarks>A second call, without another cache that was registered meanwhile, changes nothing.</remarks>
    /// <exception cref="InvalidOperationException">None was registered.</exception>
    public NativeDistributedCacheBuilder WithRegisteredSecondTier()
    {
        ServiceDescriptor? last = Services.LastOrDefault(one => one.ServiceType == typeof(IDistributedCache)
            && !one.IsKeyedService && one.ImplementationFactory != NativeMmCacheServiceCollectionExtensions.Resolve);
        if (last is null && Services.Any(one => one.IsKeyedService && one.ServiceKey == s_registered))
        {
            return WithKeyedSecondTier(s_registered);
        }

        ServiceDescriptor found = last
            ?? throw new InvalidOperationException(
                "No IDistributedCache is registered that could be the second tier: register it before, with AddStackExchangeRedisCache for example.");
        Services.Remove(found);
        Services.Add(found switch
        {
            { ImplementationInstance: { } instance } => new ServiceDescriptor(typeof(IDistributedCache), s_registered, instance),
            { ImplementationFactory: { } make } => new ServiceDescriptor(typeof(IDistributedCache), s_registered, (services, _) => make(services), found.Lifetime),
            _ => new ServiceDescriptor(typeof(IDistributedCache), s_registered, found.ImplementationType!, found.Lifetime),
        });
        return WithKeyedSecondTier(s_registered);
    }
}
