#include "session.h"

#include <utility>

namespace hh::pool {

Session::Session(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range) : pool_(pool), outlet_(&outlet), peer_(std::move(peer)), range_(range) { pool_.add(*this); }

Session::~Session() { pool_.remove(*this); }

void Session::send(std::string_view message) {
  if (outlet_ != nullptr && !closing_) outlet_->send(message);
}

void Session::close(const char* why) {
  if (outlet_ == nullptr || closing_) return;
  closing_ = true;
  outlet_->close(why);
}

void Session::close_for(Offence what, const char* why) {
  if (outlet_ == nullptr || closing_) return;
  outlet_->offended(what);
  close(why);
}

void Session::count_accepted() {
  if (outlet_ != nullptr && !std::exchange(mines_, true)) outlet_->mines();
}

}  // namespace hh::pool
