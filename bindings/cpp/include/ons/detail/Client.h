// Private. The factory's hold on the clients it made.
#ifndef ONS_CPP_DETAIL_CLIENT_H
#define ONS_CPP_DETAIL_CLIENT_H

#include <mutex>
#include <set>

#include "ONSFactoryProperty.h"
#include "ons/detail/Ending.h"

namespace ons {
namespace detail {

// Programs do not delete clients, so something has to own them: this list, which is never destroyed. With
// that no static destructor runs while threads of the library or of the program still use a client, and the
// end of a program that shut nothing down is safe. A client deleted all the same leaves the list.
class Client {
protected:
    Client() {
        Ending::instance();
        std::lock_guard<std::mutex> lock(all().mutex);
        all().clients.insert(this);
    }
    virtual ~Client() {
        std::lock_guard<std::mutex> lock(all().mutex);
        all().clients.erase(this);
    }

private:
    Client(const Client &);
    Client &operator=(const Client &);

    struct All {
        std::mutex mutex;
        std::set<Client *> clients;
    };
    static All &all() {
        static All *const instance = new All;
        return *instance;
    }
};

struct FactoryPropertyAccess {
    static const ons_factory_property *raw(const ONSFactoryProperty &property) { return property.raw_; }
};

} // namespace detail
} // namespace ons

#endif
